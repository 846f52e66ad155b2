/* Runs a program through DPDK's JIT on one packet: rtebpf OBJECT HEX ROUNDS REPEAT prints what it answers and
 * the median of the rounds in nanoseconds a run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <rte_bpf.h>
#include <rte_errno.h>

#define ROOM 128

static int ascending(const void *a, const void *b) {
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    static unsigned char packet[ROOM];
    if (argc != 5)
        return 2;
    for (size_t i = 0; i < strlen(argv[2]) / 2 && i < ROOM; i++)
        sscanf(argv[2] + 2 * i, "%2hhx", &packet[i]);
    struct rte_bpf_prm prm = { .prog_arg = { .type = RTE_BPF_ARG_PTR, .size = ROOM } };
    struct rte_bpf *bpf = rte_bpf_elf_load(&prm, argv[1], "filter");
    struct rte_bpf_jit jit;
    if (!bpf || rte_bpf_get_jit(bpf, &jit) || !jit.func) {
        fprintf(stderr, "not loaded: %s\n", rte_strerror(rte_errno));
        return 1;
    }
    int rounds = atoi(argv[3]), repeat = atoi(argv[4]);
    double *times = calloc(rounds, sizeof(*times));
    unsigned long sum = 0;
    for (int i = 0; i < rounds; i++) {
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (int k = 0; k < repeat; k++)
            sum += jit.func(packet);
        clock_gettime(CLOCK_MONOTONIC, &to);
        times[i] = ((to.tv_sec - from.tv_sec) * 1e9 + to.tv_nsec - from.tv_nsec) / repeat;
    }
    qsort(times, rounds, sizeof(*times), ascending);
    printf("%lu %.2f\n", sum / rounds / repeat, times[rounds / 2]);
    return 0;
}
