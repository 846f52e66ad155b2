package io.vhost.bpf.rules;

import java.io.Serial;

/** Ends the verification of a program. It never leaves the verifier. Thread: one. */
public final class Refusal extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final String remedy;
    private final boolean aboutEnd;

    Refusal(String remedy, String text, boolean aboutEnd) {
        super(text, null, false, false);
        this.remedy = remedy;
        this.aboutEnd = aboutEnd;
    }

    /** What to change. */
    public String remedy() {
        return remedy;
    }

    /** Whether all that is missing is the proof that the program ends. */
    public boolean isAboutEnd() {
        return aboutEnd;
    }
}
