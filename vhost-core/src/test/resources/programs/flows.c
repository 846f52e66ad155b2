/* Counts packets and bytes of each flow, on each CPU by itself; finished TCP flows are marked. */
#include "net.h"

struct flow { __be32 saddr, daddr; __be16 sport, dport; __u8 proto, pad[3]; };
struct counts { __u64 packets, octets, ended; };
struct { __uint(type, PERCPU_HASH); __uint(max_entries, 8192); __type(key, struct flow);
    __type(value, struct counts); } flows SEC(".maps");
struct { __uint(type, PERCPU_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); }
    totals SEC(".maps");

INLINE void total(__u32 which, __u64 by) {
    __u64 *value = map_lookup(&totals, &which);
    if (value)
        *value += by;
}

SEC("tc") int flows_of(struct __sk_buff *skb) {
    void *end = END(skb);
    struct ethhdr *eth = DATA(skb);
    struct iphdr *ip = (void *) (eth + 1);
    total(0, 1);
    if ((void *) (ip + 1) > end || skb->protocol != ETH_IP || ip->vihl != 0x45)
        return TC_UNSPEC;
    struct flow flow = { ip->saddr, ip->daddr, 0, 0, ip->proto };
    int ended = 0;
    struct udphdr *ports = (void *) (ip + 1);
    if ((ip->proto == UDP || ip->proto == TCP) && (void *) (ports + 1) <= end) {
        flow.sport = ports->source;
        flow.dport = ports->dest;
        struct tcphdr *tcp = (void *) ports;
        ended = ip->proto == TCP && (void *) (tcp + 1) <= end && tcp->flags & 5;
    }
    struct counts *counts = map_lookup(&flows, &flow);
    if (!counts) {
        struct counts fresh = {};
        if (map_update(&flows, &flow, &fresh, 1)) {
            total(1, 1);
            return TC_UNSPEC;
        }
        counts = map_lookup(&flows, &flow);
        if (!counts)
            return TC_UNSPEC;
        total(2, 1);
    }
    counts->packets++;
    counts->octets += skb->len;
    counts->ended += ended;
    return TC_OK;
}
