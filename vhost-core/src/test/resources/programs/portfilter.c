/* Drops TCP and UDP packets to ports that a table names, and counts them there. */
#include "net.h"

struct { __uint(type, HASH); __uint(max_entries, 1024); __type(key, __u16); __type(value, __u64); }
    blocked SEC(".maps");

SEC("xdp") int portfilter(struct xdp_md *ctx) {
    void *end = END(ctx);
    struct ethhdr *eth = DATA(ctx);
    struct iphdr *ip = (void *) (eth + 1);
    if ((void *) (ip + 1) > end || eth->proto != ETH_IP || (ip->proto != TCP && ip->proto != UDP))
        return XDP_PASS;
    struct udphdr *l4 = (void *) ip + (ip->vihl & 15) * 4;
    if ((void *) (l4 + 1) > end)
        return XDP_PASS;
    __u16 port = ntohs(l4->dest);
    __u64 *count = map_lookup(&blocked, &port);
    if (!count)
        return XDP_PASS;
    __sync_fetch_and_add(count, 1);
    return XDP_DROP;
}
