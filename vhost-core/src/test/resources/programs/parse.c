/* Parses to the transport header, through VLAN tags and IPv6 extension headers, and counts what it finds. */
#include "net.h"

struct counts { __u64 packets, octets; };
struct { __uint(type, ARRAY); __uint(max_entries, 256); __type(key, __u32); __type(value, struct counts); }
    protocols SEC(".maps");
struct { __u64 tagged, extended, fragments, cut; } totals;
const volatile __u16 blocked_port = 53;

struct cursor { void *at, *end; };

INLINE __u16 skip_tags(struct cursor *c, __u16 proto) {
    #pragma unroll
    for (int i = 0; i < 3; i++) {
        struct vlanhdr *tag = c->at;
        if ((proto != ETH_VLAN && proto != ETH_QINQ) || (void *) (tag + 1) > c->end)
            break;
        totals.tagged++;
        proto = tag->proto;
        c->at = tag + 1;
    }
    return proto;
}

INLINE int skip_extensions(struct cursor *c, __u8 next) {
    #pragma unroll
    for (int i = 0; i < 5; i++) {
        struct ip6ext *ext = c->at;
        if ((void *) (ext + 1) + 6 > c->end)
            return -1;
        switch (next) {
        case 0: case 43: case 60:
            c->at += (ext->len + 1) * 8;
            break;
        case 51:
            c->at += (ext->len + 2) * 4;
            break;
        case 44:
            totals.fragments++;
            c->at += 8;
            break;
        default:
            return next;
        }
        totals.extended++;
        next = ext->next;
    }
    return -1;
}

SEC("xdp") int parse(struct xdp_md *ctx) {
    struct cursor c = { DATA(ctx), END(ctx) };
    struct ethhdr *eth = c.at;
    if ((void *) (eth + 1) > c.end)
        return XDP_ABORTED;
    c.at = eth + 1;
    __u16 proto = skip_tags(&c, eth->proto);
    int next = -1;
    if (proto == ETH_IP) {
        struct iphdr *ip = c.at;
        if ((void *) (ip + 1) > c.end || (ip->vihl & 15) < 5) {
            totals.cut++;
            return XDP_PASS;
        }
        if (ip->frag & htons(0x3fff))
            totals.fragments++;
        next = ip->proto;
        c.at += (ip->vihl & 15) * 4;
    } else if (proto == ETH_IPV6) {
        struct ip6hdr *ip6 = c.at;
        if ((void *) (ip6 + 1) > c.end) {
            totals.cut++;
            return XDP_PASS;
        }
        c.at = ip6 + 1;
        next = skip_extensions(&c, ip6->next);
    }
    __u32 key = next < 0 ? 255 : next;
    struct counts *counts = map_lookup(&protocols, &key);
    if (counts) {
        __sync_fetch_and_add(&counts->packets, 1);
        __sync_fetch_and_add(&counts->octets, c.end - DATA(ctx));
    }
    if (next == UDP) {
        struct udphdr *udp = c.at;
        if ((void *) (udp + 1) <= c.end && udp->dest == htons(blocked_port))
            return XDP_DROP;
    } else if (next == TCP) {
        struct tcphdr *tcp = c.at;
        if ((void *) (tcp + 1) <= c.end && (tcp->flags & 0x3f) == 0x02)
            return XDP_TX;
    }
    return XDP_PASS;
}
