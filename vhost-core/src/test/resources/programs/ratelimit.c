/* Lets so many packets of each source through per window; forgets the sources that were not seen. */
#include "net.h"

struct source { __u64 start, packets, dropped; };
struct { __uint(type, LRU_HASH); __uint(max_entries, 4096); __type(key, __be32); __type(value, struct source); }
    sources SEC(".maps");
const volatile __u64 window = 3600000000000ull;
const volatile __u64 limit = 6;

SEC("xdp") int ratelimit(struct xdp_md *ctx) {
    void *end = END(ctx);
    struct ethhdr *eth = DATA(ctx);
    struct iphdr *ip = (void *) (eth + 1);
    if ((void *) (ip + 1) > end || eth->proto != ETH_IP)
        return XDP_PASS;
    __u64 now = ktime_get_ns();
    __be32 key = ip->saddr;
    struct source *source = map_lookup(&sources, &key);
    if (!source) {
        struct source fresh = { now, 1, 0 };
        map_update(&sources, &key, &fresh, 1);
        return XDP_PASS;
    }
    if (now - source->start > window) {
        source->start = now;
        source->packets = 0;
    }
    if (source->packets >= limit) {
        source->dropped++;
        return XDP_DROP;
    }
    source->packets++;
    return XDP_PASS;
}
