/* Drops UDP packets to one port. */
#include "net.h"

SEC("xdp") int filter(struct xdp_md *ctx) {
    void *end = END(ctx);
    struct ethhdr *eth = DATA(ctx);
    struct iphdr *ip = (void *) (eth + 1);
    if ((void *) (ip + 1) > end || eth->proto != ETH_IP || ip->proto != UDP)
        return XDP_PASS;
    struct udphdr *udp = (void *) ip + (ip->vihl & 15) * 4;
    if ((void *) (udp + 1) > end)
        return XDP_PASS;
    return udp->dest == htons(53) ? XDP_DROP : XDP_PASS;
}
