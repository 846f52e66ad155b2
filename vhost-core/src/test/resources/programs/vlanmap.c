/* Gives each VLAN tag another number, as a table says. */
#include "net.h"

struct { __uint(type, HASH); __uint(max_entries, 4096); __type(key, __u16); __type(value, __u16); }
    tags SEC(".maps");

SEC("xdp") int vlanmap(struct xdp_md *ctx) {
    void *end = END(ctx);
    struct ethhdr *eth = DATA(ctx);
    struct vlanhdr *tag = (void *) (eth + 1);
    if ((void *) (tag + 1) > end || eth->proto != ETH_VLAN)
        return XDP_PASS;
    __u16 tci = ntohs(tag->tci), id = tci & 0xfff;
    __u16 *other = map_lookup(&tags, &id);
    if (other)
        tag->tci = htons((tci & 0xf000) | (*other & 0xfff));
    return XDP_PASS;
}
