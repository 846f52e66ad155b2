package io.vhost.bpf.rules;

import java.io.Serial;

/** Ends the verification of a program. It never leaves the verifier. Thread: one. */
public final class Refusal extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final String remedy;
    private final boolean aboutEnd;
    private final boolean loop;

    Refusal(String remedy, String text, boolean aboutEnd, boolean loop) {
        super(text, null, false, false);
        this.remedy = remedy;
        this.aboutEnd = aboutEnd;
        this.loop = loop;
    }

    /** What to change. */
    public String remedy() {
        return remedy;
    }

    /** Whether all that is missing is the proof that the program ends. */
    public boolean isAboutEnd() {
        return aboutEnd;
    }

    /** Whether a loop was found that changes nothing: then no other way of following proves an end. */
    public boolean isLoop() {
        return loop;
    }
}
