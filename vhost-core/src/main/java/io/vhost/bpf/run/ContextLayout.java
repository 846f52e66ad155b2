package io.vhost.bpf.run;

/**
 * The part of a context that tells where the packet is.
 *
 * @param size    bytes of the context
 * @param data    offset of the address of the packet's first byte, or -1 if it has none
 * @param dataEnd offset of the address behind its last byte
 * @param meta    offset of the address of the metadata in front
 * @param length  offset of the packet's length, or -1 if the context does not tell it
 * @param arrived offset of the length that it arrived with, which does not change, or -1
 */
public record ContextLayout(int size, int data, int dataEnd, int meta, int length, int arrived) {
    /** {@code struct xdp_md}. */
    public static final ContextLayout XDP = new ContextLayout(24, 0, 4, 8);
    /** {@code struct __sk_buff}. */
    public static final ContextLayout SKB = new ContextLayout(192, 76, 80, 140, 0, 160);
    /** Memory without any meaning. */
    public static final ContextLayout PLAIN = new ContextLayout(0, -1, -1, -1);

    /** One that does not tell the packet's lengths. */
    public ContextLayout(int size, int data, int dataEnd, int meta) {
        this(size, data, dataEnd, meta, -1, -1);
    }

    /** Whether four bytes at this offset are an address in the packet. */
    public boolean isPacket(int offset) {
        return data >= 0 && (offset == data || offset == dataEnd || offset == meta);
    }
}
