/* Puts packets for known services into IPv4 packets to another host, with checksums: IPIP, and 6in4. */
#include "net.h"

struct service { __u8 proto, pad; __be16 port; };
struct tunnel { __be32 saddr, daddr; __u8 mac[6], pad[2]; };
struct { __uint(type, HASH); __uint(max_entries, 256); __type(key, struct service);
    __type(value, struct tunnel); } tunnels SEC(".maps");
struct { __uint(type, ARRAY); __uint(max_entries, 256); __type(key, __u32); __type(value, __u64); }
    sent SEC(".maps");
const volatile __be32 fallback = 0x0a00000a;
const volatile __u32 mtu = 200;

INLINE int ports(void *at, void *end, __u8 proto, struct service *service) {
    struct udphdr *udp = at;
    if ((void *) (udp + 1) > end)
        return -1;
    service->proto = proto;
    service->port = udp->dest;
    return 0;
}

SEC("xdp") int ipip(struct xdp_md *ctx) {
    void *end = END(ctx);
    struct ethhdr *eth = DATA(ctx);
    if ((void *) (eth + 1) > end)
        return XDP_DROP;
    struct service service = {};
    __u16 length;
    __u8 inner;
    __u32 from;
    if (eth->proto == ETH_IP) {
        struct iphdr *ip = (void *) (eth + 1);
        if ((void *) (ip + 1) > end || ip->vihl != 0x45 || ports(ip + 1, end, ip->proto, &service))
            return XDP_PASS;
        if (ip->ttl <= 1)
            return XDP_DROP;
        length = ntohs(ip->len);
        inner = IPIP;
        from = ip->saddr;
    } else if (eth->proto == ETH_IPV6) {
        struct ip6hdr *ip6 = (void *) (eth + 1);
        if ((void *) (ip6 + 1) > end || ports(ip6 + 1, end, ip6->next, &service))
            return XDP_PASS;
        length = ntohs(ip6->len) + sizeof(*ip6);
        inner = IPV6;
        from = ip6->saddr[0] ^ ip6->saddr[3];
    } else {
        return XDP_PASS;
    }
    if (end - (void *) eth > mtu)
        return XDP_PASS;
    struct tunnel *tunnel = map_lookup(&tunnels, &service);
    __be32 to = tunnel ? tunnel->daddr : fallback;
    struct ethhdr outer = *eth;
    __builtin_memcpy(outer.src, eth->dst, 6);
    if (tunnel)
        __builtin_memcpy(outer.dst, tunnel->mac, 6);
    else
        __builtin_memcpy(outer.dst, eth->src, 6);
    outer.proto = ETH_IP;
    if (adjust_head(ctx, -(int) sizeof(struct iphdr)))
        return XDP_ABORTED;
    eth = DATA(ctx);
    end = END(ctx);
    struct iphdr *ip = (void *) (eth + 1);
    if ((void *) (ip + 1) > end)
        return XDP_ABORTED;
    *eth = outer;
    ip->vihl = 0x45;
    ip->tos = 0;
    ip->len = htons(length + sizeof(*ip));
    ip->id = 0;
    ip->frag = htons(0x4000);
    ip->ttl = 64;
    ip->proto = inner;
    ip->check = 0;
    ip->saddr = tunnel ? tunnel->saddr : from ^ 0x01020304;
    ip->daddr = to;
    __u32 sum = 0;
    __u16 *words = (void *) ip;
    #pragma unroll
    for (int i = 0; i < 10; i++)
        sum += words[i];
    ip->check = csum_fold(sum);
    __u32 key = inner;
    __u64 *count = map_lookup(&sent, &key);
    if (count)
        __sync_fetch_and_add(count, 1);
#ifdef REPEATABLE
    return again(ctx, ETH_IP, sizeof(*ip));
#endif
    return XDP_TX;
}
