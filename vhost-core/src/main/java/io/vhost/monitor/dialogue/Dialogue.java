package io.vhost.monitor.dialogue;

/** What a session speaks, QMP or HMP: all calls come from the monitor thread. */
public interface Dialogue {
    /** The first bytes that the client gets. */
    String greeting();

    /** Takes one byte from the client. */
    void accept(int octet);

    /** Whether more input can be taken: not while enough commands wait. */
    boolean takesInput();

    /** Goes on with commands that waited for room in the output. */
    void proceed();

    /** Whether no command waits or runs. */
    boolean isIdle();

    /** Whether the client is told of events now. */
    boolean takesEvents();

    /** What the client holds of the heap with what it has sent, in bytes. */
    long held();

    /** The client has gone: forgets all but the commands that run. */
    void close();

    /** Name of the language, as QEMU calls its monitors: {@code control} or {@code readline}. */
    String mode();

    /** Name of the state, for the monitor's look at itself. */
    String state();
}
