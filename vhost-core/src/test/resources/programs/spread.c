/* Spreads the flows that come from a port over back-ends, each with its port and its address. */
#include "net.h"

struct backend { __u32 port; __u8 mac[6]; __u8 unused[2]; };
struct { __uint(type, ARRAY); __uint(max_entries, 64); __type(key, __u32); __type(value, struct backend); }
    backends SEC(".maps");
const volatile __u32 count = 1;

static long (*redirect)(__u32, __u64) = (void *) 23;

SEC("xdp") int spread(struct xdp_md *ctx) {
    void *end = END(ctx);
    struct ethhdr *eth = DATA(ctx);
    struct iphdr *ip = (void *) (eth + 1);
    if ((void *) (ip + 1) > end || eth->proto != ETH_IP || (ip->proto != TCP && ip->proto != UDP))
        return XDP_PASS;
    struct udphdr *l4 = (void *) ip + (ip->vihl & 15) * 4;
    if ((void *) (l4 + 1) > end)
        return XDP_PASS;
    __u32 hash = (ip->saddr ^ ip->daddr ^ ((__u32) l4->source << 16 | l4->dest)) * 0x9e3779b1u;
    __u32 key = (hash >> 16) % (count ? count : 1);
    struct backend *backend = map_lookup(&backends, &key);
    if (!backend || !backend->port)
        return XDP_PASS;
    __builtin_memcpy(eth->dst, backend->mac, 6);
    return redirect(backend->port, 0);
}
