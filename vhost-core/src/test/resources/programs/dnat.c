/* Destination NAT for one service: packets to a virtual address and port go to a server, answers seem to come
 * from there. Two programs, for the two directions of a switch's ports. */
#include "net.h"

const volatile __be32 virtual_address = 0;
const volatile __be32 server_address = 0;
const volatile __u16 virtual_port = 80;
const volatile __u16 server_port = 8080;

INLINE __u16 folded(long sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum;
}

INLINE int rewrite(struct iphdr *ip, __be32 *address, __be32 to, __be16 *port, __be16 to_port, __u16 *check) {
    __be32 old[2] = { *address, *port }, fresh[2] = { to, to_port };
    ip->check = folded(csum_diff(old, 4, fresh, 4, (__u16) ~ip->check));
    *check = folded(csum_diff(old, 8, fresh, 8, (__u16) ~*check));
    *address = to;
    *port = to_port;
    return XDP_PASS;
}

INLINE struct iphdr *tcp(struct xdp_md *ctx, struct tcphdr **tcp) {
    struct ethhdr *eth = DATA(ctx);
    struct iphdr *ip = (void *) (eth + 1);
    *tcp = (void *) (ip + 1);
    return (void *) (*tcp + 1) > END(ctx) || eth->proto != ETH_IP || ip->vihl != 0x45 || ip->proto != TCP
        ? 0 : ip;
}

SEC("xdp") int there(struct xdp_md *ctx) {
    struct tcphdr *l4;
    struct iphdr *ip = tcp(ctx, &l4);
    if (!ip || ip->daddr != virtual_address || l4->dest != htons(virtual_port))
        return XDP_PASS;
    return rewrite(ip, &ip->daddr, server_address, &l4->dest, htons(server_port), &l4->check);
}

SEC("xdp") int back(struct xdp_md *ctx) {
    struct tcphdr *l4;
    struct iphdr *ip = tcp(ctx, &l4);
    if (!ip || ip->saddr != server_address || l4->source != htons(server_port))
        return XDP_PASS;
    return rewrite(ip, &ip->saddr, virtual_address, &l4->source, htons(virtual_port), &l4->check);
}
