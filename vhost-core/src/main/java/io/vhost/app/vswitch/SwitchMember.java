package io.vhost.app.vswitch;

import io.vhost.app.ports.PortState;

/** What {@code switch} tells of: a socket or an interface of this machine. Any thread. */
interface SwitchMember extends PortState {
    /** Number of the port, which no other ever has. */
    @Override
    int number();

    /** Whether DMA channels copy its packets. */
    boolean copies();

    /** Packets that a DMA channel is copying, or has copied and not given back. */
    long inFlight();

    /**
     * Where packets go that a program redirects here: the first guest of a socket. For the switch's thread.
     *
     * @return null if nobody is there
     */
    SwitchPort port();
}
