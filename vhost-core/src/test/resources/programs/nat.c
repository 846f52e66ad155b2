/* Source NAT: gives each flow from inside a port of its own, and finds the way back; checksums are changed
 * by what changed in the packet. */
#include "net.h"

#define IP_CHECK (sizeof(struct ethhdr) + __builtin_offsetof(struct iphdr, check))
#define IP_SADDR (sizeof(struct ethhdr) + __builtin_offsetof(struct iphdr, saddr))
#define IP_DADDR (sizeof(struct ethhdr) + __builtin_offsetof(struct iphdr, daddr))
#define L4 (sizeof(struct ethhdr) + sizeof(struct iphdr))

struct end { __be32 addr; __be16 port; __u8 proto, pad; };
struct { __uint(type, HASH); __uint(max_entries, 4096); __type(key, struct end); __type(value, __be16); }
    out SEC(".maps");
struct { __uint(type, HASH); __uint(max_entries, 4096); __type(key, struct end); __type(value, struct end); }
    back SEC(".maps");
const volatile __be32 outside = 0x0101a8c0;
const volatile __u32 inside = 10;
__u32 next_port = 20000;

INLINE int rewrite(struct __sk_buff *skb, __u8 proto, int addr, __be32 old, __be32 fresh, int port,
        __be16 oldport, __be16 newport) {
    int check = L4 + (proto == TCP ? __builtin_offsetof(struct tcphdr, check)
        : __builtin_offsetof(struct udphdr, check));
    int flags = proto == UDP ? 0x20 : 0;
    if (l4_csum_replace(skb, check, old, fresh, 0x10 | 4 | flags))
        return TC_SHOT;
    if (l4_csum_replace(skb, check, oldport, newport, 2 | flags))
        return TC_SHOT;
    if (l3_csum_replace(skb, IP_CHECK, old, fresh, 4))
        return TC_SHOT;
    if (skb_store_bytes(skb, addr, &fresh, 4, 0) || skb_store_bytes(skb, port, &newport, 2, 0))
        return TC_SHOT;
    return TC_OK;
}

SEC("tc") int nat(struct __sk_buff *skb) {
    if (skb_pull_data(skb, L4 + sizeof(struct udphdr)))
        return TC_UNSPEC;
    void *end = END(skb);
    struct ethhdr *eth = DATA(skb);
    struct iphdr *ip = (void *) (eth + 1);
    struct udphdr *ports = (void *) (ip + 1);
    if ((void *) (ports + 1) > end || eth->proto != ETH_IP || ip->vihl != 0x45)
        return TC_UNSPEC;
    if (ip->proto != TCP && ip->proto != UDP)
        return TC_UNSPEC;
    __u8 proto = ip->proto;
    if ((ip->saddr & 0xff) == inside) {
        struct end key = { ip->saddr, ports->source, proto }, from = { outside, 0, proto };
        __be16 *known = map_lookup(&out, &key);
        if (known) {
            from.port = *known;
        } else {
            from.port = htons(next_port);
            next_port = next_port >= 60000 ? 20000 : next_port + 1;
            if (map_update(&out, &key, &from.port, 1) || map_update(&back, &from, &key, 0))
                return TC_SHOT;
        }
        return rewrite(skb, proto, IP_SADDR, key.addr, outside, L4, key.port, from.port);
    }
    if (ip->daddr != outside)
        return TC_UNSPEC;
    struct end to = { outside, ports->dest, proto };
    struct end *home = map_lookup(&back, &to);
    if (!home)
        return TC_SHOT;
    return rewrite(skb, proto, IP_DADDR, outside, home->addr, L4 + 2, to.port, home->port);
}
