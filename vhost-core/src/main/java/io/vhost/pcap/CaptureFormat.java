package io.vhost.pcap;

/** Numbers that both ends of a file agree on. */
public final class CaptureFormat {
    /** Link type of Ethernet. */
    public static final int ETHERNET = 1;
    /** The longest packet that is read or written, in bytes. */
    public static final int MAX_LENGTH = 1 << 18;

    static final int PCAP_MICROSECONDS = 0xA1B2C3D4;
    static final int PCAP_NANOSECONDS = 0xA1B23C4D;
    static final int PCAP_HEADER = 24;
    static final int PCAP_RECORD = 16;

    static final int SECTION = 0x0A0D0D0A;
    static final int BYTE_ORDER = 0x1A2B3C4D;
    static final int INTERFACE = 1;
    static final int SIMPLE = 3;
    static final int STATISTICS = 5;
    static final int ENHANCED = 6;
    static final int MAX_BLOCK = 1 << 24;

    static final long BILLION = 1_000_000_000L;

    private CaptureFormat() {
    }
}
