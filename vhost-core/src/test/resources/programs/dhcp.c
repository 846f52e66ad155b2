/* A relay's part: inserts option 82 (which port a request came in at) before the end of a DHCP request. */
#include "net.h"

#define OPTIONS (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr) + 240)
#define MAX_OPTIONS 24
struct option82 { __u8 code, len, sub, sublen; __be16 vlan; __u8 port, end; };
struct { __u32 requests, inserted, full, odd; } counts;

INLINE int find_end(struct xdp_md *ctx, __u32 *at) {
    __u32 offset = OPTIONS;
    for (int i = 0; i < MAX_OPTIONS; i++) {
        struct ip6ext option;
        if (load_bytes(ctx, offset, &option, 2))
            return load_bytes(ctx, offset, &option, 1) == 0 && option.next == 255 ? (*at = offset, 0) : -1;
        if (option.next == 255) {
            *at = offset;
            return 0;
        }
        offset += option.next == 0 ? 1 : 2 + option.len;
        if (offset > 1000)
            return -1;
    }
    return -1;
}

SEC("xdp") int dhcp(struct xdp_md *ctx) {
    void *end = END(ctx);
    struct ethhdr *eth = DATA(ctx);
    struct iphdr *ip = (void *) (eth + 1);
    struct udphdr *udp = (void *) (ip + 1);
    __u32 *magic = (void *) udp + sizeof(*udp) + 236;
    if ((void *) (magic + 1) > end || eth->proto != ETH_IP || ip->vihl != 0x45 || ip->proto != UDP
            || udp->dest != htons(67) || *magic != htonl(0x63825363))
        return XDP_PASS;
    counts.requests++;
    __u32 at;
    if (find_end(ctx, &at)) {
        counts.odd++;
        return XDP_PASS;
    }
    __u32 length = end - (void *) eth;
    int grow = (int) (at + sizeof(struct option82)) - (int) length;
    if (grow > 0 && adjust_tail(ctx, grow)) {
        counts.full++;
        return XDP_DROP;
    }
    struct option82 option = { 82, 5, 1, 3, htons(42), ctx->rx_queue_index, 255 };
    if (store_bytes(ctx, at, &option, sizeof(option)))
        return XDP_ABORTED;
    end = END(ctx);
    eth = DATA(ctx);
    ip = (void *) (eth + 1);
    udp = (void *) (ip + 1);
    if ((void *) (udp + 1) > end)
        return XDP_ABORTED;
    __u32 old = ip->len;
    ip->len = htons(at + sizeof(option) - sizeof(*eth));
    udp->len = htons(at + sizeof(option) - sizeof(*eth) - sizeof(*ip));
    udp->check = 0;
    __u32 fresh = ip->len;
    __u32 sum = csum_diff(&old, 4, &fresh, 4, (__u16) ~ip->check);
    ip->check = csum_fold(sum);
    counts.inserted++;
    return XDP_TX;
}
