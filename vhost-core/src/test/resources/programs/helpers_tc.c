/* The same for those of tc. */
#include "net.h"

struct { __uint(type, ARRAY); __uint(max_entries, 512); __type(key, __u32); __type(value, __u64); }
    answers SEC(".maps");
static long (*redirect)(__u32, __u64) = (void *) 23;
__u32 calls;

INLINE void keep(__u32 which, __u64 answer) {
    __u32 key = which * 32 + calls % 32;
    map_update(&answers, &key, &answer, 0);
}

SEC("tc") int helpers(struct __sk_buff *skb) {
    __u8 *p = DATA(skb);
    if ((void *) (p + 14) > END(skb))
        return TC_SHOT;
    __u8 a = p[0], b = p[1], c = p[2], d = p[3];
    calls++;
    __u8 room[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    keep(0, skb->len);
    keep(1, skb_load_bytes(skb, skb->len - 8 + b % 3, room, 8));
    keep(2, *(__u64 *) room);
    room[3] = c;
    keep(3, skb_store_bytes(skb, skb->len - 8 + c % 3, room, 8, 0));
    keep(4, skb_load_bytes(skb, 0x10000, room, 1));
    keep(5, *(__u64 *) room);
    keep(6, l3_csum_replace(skb, 24 + (d & 1), a, b, d % 6));
    keep(7, l4_csum_replace(skb, 36, a * 0x1000193, b * 0x1000193, (d & 0x70) | (c % 3 * 2)));
    keep(8, l4_csum_replace(skb, skb->len - 1 - a % 3, 0, b * 7919, 0));
    keep(9, l3_csum_replace(skb, 24, 0, 0, 32));
    keep(10, skb_pull_data(skb, skb->len + b % 2));
    keep(11, skb_store_bytes(skb, 3, room, 1, 32));
    skb->mark = a;
    skb->cb[2] = skb->mark + skb->cb[0];
    keep(12, skb->cb[2]);
    return a % 8 == 0 ? redirect(b, d % 3) : a % 3;
}
