/* What the programs here share: protocol headers, helpers by number, and how maps are written. */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;
typedef __u16 __be16;
typedef __u32 __be32;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
#define __array(name, value) typeof(value) *name[]
#define htons(x) __builtin_bswap16(x)
#define htonl(x) __builtin_bswap32(x)
#define ntohs(x) __builtin_bswap16(x)
#define ntohl(x) __builtin_bswap32(x)

enum { HASH = 1, ARRAY = 2, PROG_ARRAY = 3, PERF_EVENT_ARRAY = 4, PERCPU_HASH = 5, PERCPU_ARRAY = 6,
    LRU_HASH = 9, LPM_TRIE = 11, ARRAY_OF_MAPS = 12, HASH_OF_MAPS = 13, RINGBUF = 27 };
enum { XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT };
enum { TC_OK = 0, TC_SHOT = 2, TC_UNSPEC = -1 };
enum { ICMP = 1, IPIP = 4, TCP = 6, UDP = 17, IPV6 = 41, ICMPV6 = 58 };

#define ETH_IP htons(0x0800)
#define ETH_IPV6 htons(0x86dd)
#define ETH_VLAN htons(0x8100)
#define ETH_QINQ htons(0x88a8)

struct xdp_md { __u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex; };
struct __sk_buff { __u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto,
    priority, ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid, data, data_end; };
struct ethhdr { __u8 dst[6], src[6]; __be16 proto; } __attribute__((packed));
struct vlanhdr { __be16 tci, proto; };
struct iphdr { __u8 vihl, tos; __be16 len, id, frag; __u8 ttl, proto; __u16 check; __be32 saddr, daddr; };
struct ip6hdr { __u32 flow; __be16 len; __u8 next, hops; __u32 saddr[4], daddr[4]; };
struct ip6ext { __u8 next, len; };
struct udphdr { __be16 source, dest, len, check; };
struct tcphdr { __be16 source, dest; __be32 seq, ack; __u8 off, flags; __be16 window, check, urgent; };

static void *(*map_lookup)(void *, const void *) = (void *) 1;
static long (*map_update)(void *, const void *, const void *, __u64) = (void *) 2;
static long (*map_delete)(void *, const void *) = (void *) 3;
static __u64 (*ktime_get_ns)(void) = (void *) 5;
static long (*skb_store_bytes)(void *, __u32, const void *, __u32, __u64) = (void *) 9;
static long (*l3_csum_replace)(void *, __u32, __u64, __u64, __u64) = (void *) 10;
static long (*l4_csum_replace)(void *, __u32, __u64, __u64, __u64) = (void *) 11;
static long (*tail_call)(void *, void *, __u32) = (void *) 12;
static long (*skb_load_bytes)(void *, __u32, void *, __u32) = (void *) 26;
static long (*csum_diff)(void *, __u32, void *, __u32, __u32) = (void *) 28;
static long (*skb_pull_data)(void *, __u32) = (void *) 39;
static long (*adjust_head)(struct xdp_md *, int) = (void *) 44;
static long (*adjust_tail)(struct xdp_md *, int) = (void *) 65;
static long (*ringbuf_output)(void *, void *, __u64, __u64) = (void *) 130;
static void *(*ringbuf_reserve)(void *, __u64, __u64) = (void *) 131;
static void (*ringbuf_submit)(void *, __u64) = (void *) 132;
static void (*ringbuf_discard)(void *, __u64) = (void *) 133;
static long (*load_bytes)(struct xdp_md *, __u32, void *, __u32) = (void *) 189;
static long (*store_bytes)(struct xdp_md *, __u32, void *, __u32) = (void *) 190;

#define DATA(ctx) ((void *) (long) (ctx)->data)
#define END(ctx) ((void *) (long) (ctx)->data_end)

INLINE __u16 csum_fold(__u32 sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum;
}

/* Takes the outer header off again, so that the program can run on the same packet any number of times. */
INLINE int again(struct xdp_md *ctx, __be16 proto, int header) {
    if (adjust_head(ctx, header))
        return XDP_ABORTED;
    struct ethhdr *eth = DATA(ctx);
    if ((void *) (eth + 1) > END(ctx))
        return XDP_ABORTED;
    __builtin_memset(eth, 2, sizeof(*eth));
    eth->proto = proto;
    return XDP_TX;
}

char _license[] SEC("license") = "GPL";
