/* filter.c as DPDK's rte_bpf runs it: the argument is the packet, of which so much is there. */
#include "net.h"

SEC("filter") __u64 dns_filter(void *packet) {
    struct ethhdr *eth = packet;
    struct iphdr *ip = (void *) (eth + 1);
    if (eth->proto != ETH_IP || ip->proto != UDP)
        return XDP_PASS;
    struct udphdr *udp = (void *) ip + (ip->vihl & 15) * 4;
    return udp->dest == htons(53) ? XDP_DROP : XDP_PASS;
}
