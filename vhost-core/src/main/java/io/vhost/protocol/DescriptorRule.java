package io.vhost.protocol;

/** How many file descriptors come with a message. */
enum DescriptorRule {
    NONE,
    ONE,
    AT_MOST_ONE,
    /** One, unless bit 8 of the payload says that there is none. */
    UNLESS_NOFD,
    /** As many as the memory table counts. */
    ONE_PER_REGION;

    /** Bit 8 of the payload of SET_VRING_KICK, SET_VRING_CALL and SET_VRING_ERR: no descriptor. */
    static final long NOFD = 0x100;

    /** The smallest allowed number for {@code message}, whose size has been checked. */
    private int least(Message message) {
        return switch (this) {
            case NONE, AT_MOST_ONE -> 0;
            case ONE -> 1;
            case UNLESS_NOFD -> (message.u64(0) & NOFD) == 0 ? 1 : 0;
            case ONE_PER_REGION -> message.u32(0);
        };
    }

    /**
     * Refuses {@code message}, whose size has been checked, if it carries too few or too many descriptors.
     */
    void check(Message message) throws ProtocolException {
        int least = least(message);
        int most = this == AT_MOST_ONE ? 1 : least;
        int count = message.descriptorCount();
        if (Integer.compareUnsigned(count, least) < 0 || Integer.compareUnsigned(count, most) > 0) {
            String allowed = least == most ? Integer.toUnsignedString(least) : least + " or " + most;
            throw new ProtocolException("descriptors=" + count + ", must be " + allowed);
        }
    }
}
