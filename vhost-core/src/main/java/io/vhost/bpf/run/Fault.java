package io.vhost.bpf.run;

import java.io.Serial;

/** Ends the running program. It has no stack trace: a program that faults often must not cost much. */
public final class Fault extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final Abort reason;

    private Fault(Abort reason) {
        super(reason.text(), null, false, false);
        this.reason = reason;
    }

    /** The budget is used up. */
    public static Fault budget() {
        return new Fault(Abort.BUDGET);
    }

    /** Too many frames. */
    public static Fault callDepth() {
        return new Fault(Abort.CALL_DEPTH);
    }

    /** An address outside the region. */
    public static Fault outOfBounds() {
        return new Fault(Abort.OUT_OF_BOUNDS);
    }

    /** A helper's argument is not what it takes. */
    public static Fault helperArgument() {
        return new Fault(Abort.HELPER_ARGUMENT);
    }

    /** The types that were named do not have what the program asks for. */
    public static Fault unresolved() {
        return new Fault(Abort.UNRESOLVED);
    }

    /** Why. */
    public Abort reason() {
        return reason;
    }
}
