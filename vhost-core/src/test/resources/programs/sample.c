/* Sends the head of every n-th packet, and of all odd ones, to the application through a ring buffer. */
#include "net.h"

#define HEAD 32
struct sample { __u32 number, length; __u16 kind, odd; __u8 head[HEAD]; };
struct { __uint(type, RINGBUF); __uint(max_entries, 1 << 16); } samples SEC(".maps");
struct { __uint(type, PERCPU_ARRAY); __uint(max_entries, 3); __type(key, __u32); __type(value, __u64); }
    counts SEC(".maps");
const volatile __u32 every = 4;
__u32 seen;

INLINE void count(__u32 which) {
    __u64 *value = map_lookup(&counts, &which);
    if (value)
        *value += 1;
}

SEC("xdp") int sample_all(struct xdp_md *ctx) {
    void *end = END(ctx);
    struct ethhdr *eth = DATA(ctx);
    if ((void *) (eth + 1) > end)
        return XDP_DROP;
    __u32 number = seen++;
    int odd = eth->proto != ETH_IP && eth->proto != ETH_IPV6;
    if (!odd && every && number % every)
        return XDP_PASS;
    struct sample *sample = ringbuf_reserve(&samples, sizeof(*sample), 0);
    if (!sample) {
        count(0);
        return XDP_PASS;
    }
    if (load_bytes(ctx, 0, sample->head, HEAD)) {
        ringbuf_discard(sample, 0);
        count(1);
        return XDP_PASS;
    }
    sample->number = number;
    sample->length = end - (void *) eth;
    sample->kind = eth->proto;
    sample->odd = odd;
    ringbuf_submit(sample, 0);
    count(2);
    return XDP_PASS;
}
