/* Prefixes of both families with an action each, ports with a bit mask of protocols, a counter per rule;
 * what has no rule gets one for its /24, so that the second packet has. */
#include "net.h"

struct prefix { __u32 bits; __u8 addr[16]; };
struct rule { __u32 action, hits; };
struct { __uint(type, LPM_TRIE); __uint(max_entries, 1024); __uint(map_flags, 1); __type(key, struct prefix);
    __type(value, struct rule); } prefixes SEC(".maps");
struct { __uint(type, ARRAY); __uint(max_entries, 65536); __type(key, __u32); __type(value, __u8); }
    ports SEC(".maps");
__u64 unknown;

SEC("xdp") int firewall(struct xdp_md *ctx) {
    void *end = END(ctx);
    struct ethhdr *eth = DATA(ctx);
    if ((void *) (eth + 1) > end)
        return XDP_ABORTED;
    struct prefix key = { 128 };
    struct udphdr *l4;
    __u8 proto;
    if (eth->proto == ETH_IP) {
        struct iphdr *ip = (void *) (eth + 1);
        if ((void *) (ip + 1) > end)
            return XDP_DROP;
        key.addr[10] = key.addr[11] = 0xff;
        __builtin_memcpy(key.addr + 12, &ip->saddr, 4);
        l4 = (void *) ip + (ip->vihl & 15) * 4;
        proto = ip->proto;
    } else if (eth->proto == ETH_IPV6) {
        struct ip6hdr *ip = (void *) (eth + 1);
        if ((void *) (ip + 1) > end)
            return XDP_DROP;
        __builtin_memcpy(key.addr, ip->saddr, 16);
        l4 = (void *) (ip + 1);
        proto = ip->next;
    } else {
        return XDP_PASS;
    }
    struct rule *rule = map_lookup(&prefixes, &key);
    if (!rule) {
        unknown++;
        struct rule fresh = { XDP_PASS - (key.addr[15] & 1), 0 };
        key.bits = key.addr[14] % 2 ? 120 : 104;
        if (map_update(&prefixes, &key, &fresh, 1))
            return XDP_ABORTED;
        return XDP_PASS;
    }
    rule->hits++;
    if (rule->hits > 20) {
        key.bits = 120;
        map_delete(&prefixes, &key);
    }
    if (proto == TCP || proto == UDP) {
        if ((void *) (l4 + 1) > end)
            return XDP_DROP;
        __u32 port = ntohs(l4->dest);
        __u8 *mask = map_lookup(&ports, &port);
        if (mask && *mask & (proto == TCP ? 1 : 2))
            return XDP_TX;
        if (mask && port < 1024)
            *mask |= proto == TCP ? 1 : 2;
    }
    return rule->action;
}
