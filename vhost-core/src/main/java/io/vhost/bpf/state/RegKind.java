package io.vhost.bpf.state;

/** What a register holds, with its name in the kernel's log. */
public enum RegKind {
    /** Nothing was stored. */
    NOT_INIT("?"),
    /** A number. */
    SCALAR("scalar"),
    /** The address of the context. */
    CONTEXT("ctx"),
    /** An address in the packet. */
    PACKET("pkt"),
    /** An address in the packet's metadata. */
    PACKET_META("pkt_meta"),
    /** The address behind the packet. */
    PACKET_END("pkt_end"),
    /** An address in a frame of the stack. */
    STACK("fp"),
    /** A map. */
    MAP("map_ptr"),
    /** An address in a value of a map. */
    MAP_VALUE("map_value"),
    /** An address in a record of a ring buffer. */
    RECORD("ringbuf_mem"),
    /** A function of the program. */
    FUNCTION("func");

    private final String text;

    RegKind(String text) {
        this.text = text;
    }

    /** The kernel's word. */
    public String text() {
        return text;
    }

    /** Whether it is an address. */
    public boolean isPointer() {
        return this != NOT_INIT && this != SCALAR;
    }

    /** Whether it is an address in the packet or its metadata. */
    public boolean isPacket() {
        return this == PACKET || this == PACKET_META;
    }
}
