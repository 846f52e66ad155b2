/* Answers or drops DNS questions by the name that they ask for, letters of either case. */
#include "net.h"

#define MAX_NAME 64
struct { __uint(type, HASH); __uint(max_entries, 1024); __type(key, __u64); __type(value, __u32); }
    names SEC(".maps");
struct { __uint(type, ARRAY); __uint(max_entries, 32); __type(key, __u32); __type(value, __u64); }
    labels SEC(".maps");
struct dnshdr { __be16 id; __u8 flags, code; __be16 questions, answers, authorities, extra; };
struct { __u64 questions, malformed; } counts;
const volatile __u32 refused = 3;

SEC("xdp") int dns(struct xdp_md *ctx) {
    void *end = END(ctx);
    struct ethhdr *eth = DATA(ctx);
    struct iphdr *ip = (void *) (eth + 1);
    struct udphdr *udp = (void *) (ip + 1);
    struct dnshdr *dns = (void *) (udp + 1);
    if ((void *) (dns + 1) > end || eth->proto != ETH_IP || ip->vihl != 0x45 || ip->proto != UDP
            || udp->dest != htons(53) || dns->flags & 0x80 || dns->questions != htons(1))
        return XDP_PASS;
    counts.questions++;
    __u8 *name = (void *) (dns + 1);
    __u64 hash = 0xcbf29ce484222325ull;
    __u32 left = 0, count = 0;
    int ended = 0;
    for (int i = 0; i < MAX_NAME; i++) {
        if ((void *) (name + i + 1) > end)
            break;
        __u8 c = name[i];
        if (left == 0) {
            if (c == 0) {
                ended = 1;
                break;
            }
            if (c > 63)
                break;
            left = c;
            count++;
            c = '.';
        } else {
            left--;
            if (c >= 'A' && c <= 'Z')
                c += 'a' - 'A';
        }
        hash = (hash ^ c) * 0x100000001b3ull;
    }
    if (!ended) {
        counts.malformed++;
        return XDP_DROP;
    }
    __u64 *seen = map_lookup(&labels, &count);
    if (seen)
        *seen += 1;
    __u32 *action = map_lookup(&names, &hash);
    __u32 verdict = action ? *action : hash % 4;
    if (!action)
        map_update(&names, &hash, &verdict, 1);
    if (verdict == 0)
        return XDP_DROP;
    if (verdict != 1)
        return XDP_PASS;
    dns->flags |= 0x80;
    dns->code = (dns->code & 0xf0) | refused;
    __u8 mac[6];
    __builtin_memcpy(mac, eth->src, 6);
    __builtin_memcpy(eth->src, eth->dst, 6);
    __builtin_memcpy(eth->dst, mac, 6);
    __be32 addr = ip->saddr;
    ip->saddr = ip->daddr;
    ip->daddr = addr;
    __be16 port = udp->source;
    udp->source = udp->dest;
    udp->dest = port;
    udp->check = 0;
    return XDP_TX;
}
