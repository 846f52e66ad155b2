/* Spreads flows over the servers of a service: a ring per service, found in a map of maps, gives each flow
 * always the same server; flows that were seen keep theirs when the ring changes. */
#include "net.h"

#define RING 1021
struct vip { __u32 addr[4]; __be16 port; __u8 proto, pad; };
struct service { __u32 ring, flags; };
struct flow { __u32 saddr[4], daddr[4]; __be16 sport, dport; __u8 proto, pad[3]; };
struct server { __u32 addr[4]; __u8 mac[6], is6, pad; };
struct counts { __u64 packets, octets; };
struct ring { __uint(type, ARRAY); __uint(max_entries, RING); __type(key, __u32); __type(value, __u32); };
struct ring first SEC(".maps"), second SEC(".maps");
struct { __uint(type, ARRAY_OF_MAPS); __uint(max_entries, 16); __type(key, __u32);
    __array(values, struct ring); } rings SEC(".maps") = { .values = { [0] = &first, [3] = &second } };
struct { __uint(type, HASH); __uint(max_entries, 256); __type(key, struct vip);
    __type(value, struct service); } services SEC(".maps");
struct { __uint(type, LRU_HASH); __uint(max_entries, 16384); __type(key, struct flow);
    __type(value, __u32); } known SEC(".maps");
struct { __uint(type, ARRAY); __uint(max_entries, 64); __type(key, __u32); __type(value, struct server); }
    servers SEC(".maps");
struct { __uint(type, PERCPU_ARRAY); __uint(max_entries, 64); __type(key, __u32);
    __type(value, struct counts); } counts SEC(".maps");
struct { __u64 misses, fresh, unknown; } totals;
const volatile __u32 seed = 0x9e3779b9;

INLINE __u32 rol(__u32 x, int by) {
    return x << by | x >> (32 - by);
}

#define MIX(a, b, c) { a -= c; a ^= rol(c, 4); c += b; b -= a; b ^= rol(a, 6); a += c; c -= b; \
    c ^= rol(b, 8); b += a; a -= c; a ^= rol(c, 16); c += b; b -= a; b ^= rol(a, 19); a += c; \
    c -= b; c ^= rol(b, 4); b += a; }
#define FINAL(a, b, c) { c ^= b; c -= rol(b, 14); a ^= c; a -= rol(c, 11); b ^= a; b -= rol(a, 25); \
    c ^= b; c -= rol(b, 16); a ^= c; a -= rol(c, 4); b ^= a; b -= rol(a, 14); c ^= b; c -= rol(b, 24); }

INLINE __u32 hash(const struct flow *flow) {
    const __u32 *w = (const void *) flow;
    __u32 a = seed + 40, b = a, c = a;
    a += w[0]; b += w[1]; c += w[2];
    MIX(a, b, c)
    a += w[3]; b += w[4]; c += w[5];
    MIX(a, b, c)
    a += w[6]; b += w[7]; c += w[8];
    MIX(a, b, c)
    a += w[9];
    FINAL(a, b, c)
    return c;
}

INLINE int parse_ports(void *at, void *end, struct flow *flow) {
    struct udphdr *ports = at;
    if (flow->proto != TCP && flow->proto != UDP)
        return -1;
    if ((void *) (ports + 1) > end)
        return -1;
    flow->sport = ports->source;
    flow->dport = ports->dest;
    return 0;
}

INLINE int server_of(struct flow *flow, struct service *service, __u32 *server) {
    __u32 *old = map_lookup(&known, flow);
    if (old) {
        *server = *old;
        return 0;
    }
    totals.misses++;
    __u32 which = service->ring, slot = hash(flow) % RING;
    void *ring = map_lookup(&rings, &which);
    if (!ring)
        return -1;
    __u32 *found = map_lookup(ring, &slot);
    if (!found)
        return -1;
    *server = *found;
    if (map_update(&known, flow, server, 0) == 0)
        totals.fresh++;
    return 0;
}

INLINE int encapsulate(struct xdp_md *ctx, struct server *server, struct flow *flow, __u16 length, int is6) {
    struct ethhdr copy, *eth = DATA(ctx);
    if ((void *) (eth + 1) > END(ctx))
        return XDP_DROP;
    __builtin_memcpy(copy.src, eth->dst, 6);
    __builtin_memcpy(copy.dst, server->mac, 6);
    if (server->is6) {
        if (adjust_head(ctx, -(int) sizeof(struct ip6hdr)))
            return XDP_DROP;
        eth = DATA(ctx);
        struct ip6hdr *ip6 = (void *) (eth + 1);
        if ((void *) (ip6 + 1) > END(ctx))
            return XDP_DROP;
        copy.proto = ETH_IPV6;
        ip6->flow = htonl(0x60000000 | (flow->sport & 0xffff));
        ip6->len = htons(length);
        ip6->next = is6 ? IPV6 : IPIP;
        ip6->hops = 64;
        ip6->saddr[0] = htonl(0x01000000);
        ip6->saddr[1] = 0;
        ip6->saddr[2] = 0;
        ip6->saddr[3] = flow->saddr[3] ^ flow->sport;
        __builtin_memcpy(ip6->daddr, server->addr, 16);
    } else {
        if (adjust_head(ctx, -(int) sizeof(struct iphdr)))
            return XDP_DROP;
        eth = DATA(ctx);
        struct iphdr *ip = (void *) (eth + 1);
        if ((void *) (ip + 1) > END(ctx))
            return XDP_DROP;
        copy.proto = ETH_IP;
        ip->vihl = 0x45;
        ip->tos = 0;
        ip->len = htons(length + sizeof(*ip));
        ip->id = 0;
        ip->frag = 0;
        ip->ttl = 64;
        ip->proto = is6 ? IPV6 : IPIP;
        ip->check = 0;
        ip->saddr = htonl(0xac100000) | ((flow->saddr[3] ^ flow->sport) & htonl(0xffff));
        ip->daddr = server->addr[3];
        __u32 sum = 0;
        __u16 *words = (void *) ip;
        #pragma unroll
        for (int i = 0; i < 10; i++)
            sum += words[i];
        ip->check = csum_fold(sum);
    }
    *eth = copy;
    return XDP_TX;
}

SEC("xdp") int balancer(struct xdp_md *ctx) {
    void *end = END(ctx);
    struct ethhdr *eth = DATA(ctx);
    if ((void *) (eth + 1) > end)
        return XDP_DROP;
    struct flow flow = {};
    struct vip vip = {};
    __u16 length;
    int is6 = eth->proto == ETH_IPV6;
    if (is6) {
        struct ip6hdr *ip6 = (void *) (eth + 1);
        if ((void *) (ip6 + 1) > end)
            return XDP_DROP;
        flow.proto = ip6->next;
        length = ntohs(ip6->len) + sizeof(*ip6);
        __builtin_memcpy(flow.saddr, ip6->saddr, 16);
        __builtin_memcpy(flow.daddr, ip6->daddr, 16);
        if (parse_ports(ip6 + 1, end, &flow))
            return XDP_PASS;
    } else if (eth->proto == ETH_IP) {
        struct iphdr *ip = (void *) (eth + 1);
        if ((void *) (ip + 1) > end || ip->vihl != 0x45)
            return XDP_DROP;
        if (ip->frag & htons(0x3fff))
            return XDP_PASS;
        flow.proto = ip->proto;
        length = ntohs(ip->len);
        flow.saddr[3] = ip->saddr;
        flow.daddr[3] = ip->daddr;
        if (parse_ports(ip + 1, end, &flow))
            return XDP_PASS;
    } else {
        return XDP_PASS;
    }
    __builtin_memcpy(vip.addr, flow.daddr, 16);
    vip.port = flow.dport;
    vip.proto = flow.proto;
    struct service *service = map_lookup(&services, &vip);
    if (!service) {
        vip.port = 0;
        service = map_lookup(&services, &vip);
        if (!service) {
            totals.unknown++;
            return XDP_PASS;
        }
        if (service->flags & 1)
            flow.dport = 0;
    }
    __u32 number;
    if (server_of(&flow, service, &number))
        return XDP_DROP;
    struct server *server = map_lookup(&servers, &number);
    if (!server)
        return XDP_DROP;
    struct counts *count = map_lookup(&counts, &number);
    if (count) {
        count->packets++;
        count->octets += length;
    }
#ifdef REPEATABLE
    if (encapsulate(ctx, server, &flow, length, is6) != XDP_TX)
        return XDP_DROP;
    return again(ctx, is6 ? ETH_IPV6 : ETH_IP, server->is6 ? sizeof(struct ip6hdr) : sizeof(struct iphdr));
#endif
    return encapsulate(ctx, server, &flow, length, is6);
}
