/* Counts packets and bytes by source address; with -DPERCPU on each CPU by itself, without atomic additions. */
#include "net.h"

#ifdef PERCPU
#define KIND PERCPU_HASH
#define ADD(where, value) (*(where) += (value))
#else
#define KIND HASH
#define ADD(where, value) __sync_fetch_and_add(where, value)
#endif

struct counts { __u64 packets, octets; };
struct { __uint(type, KIND); __uint(max_entries, 65536); __type(key, __be32); __type(value, struct counts); }
    counts SEC(".maps");

SEC("xdp") int flowcount(struct xdp_md *ctx) {
    void *end = END(ctx);
    struct ethhdr *eth = DATA(ctx);
    struct iphdr *ip = (void *) (eth + 1);
    if ((void *) (ip + 1) > end || eth->proto != ETH_IP)
        return XDP_PASS;
    __be32 key = ip->saddr;
#ifdef REPEATABLE
    ip->saddr = (key + 0x9e37) & 0xffff;   /* all entries in turn */
#endif
    struct counts *found = map_lookup(&counts, &key);
    if (found) {
        ADD(&found->packets, 1);
        ADD(&found->octets, end - (void *) eth);
        return XDP_PASS;
    }
    struct counts fresh = { 1, end - (void *) eth };
    map_update(&counts, &key, &fresh, 1);
    return XDP_PASS;
}
