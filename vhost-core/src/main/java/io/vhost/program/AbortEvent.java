package io.vhost.program;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** A program was ended before its own end; at most one event a second and program. */
@Name("io.vhost.ProgramAbort")
@Label("Program abort")
@Category({"vhost", "Program"})
final class AbortEvent extends Event {
    @Label("Program")
    String program;

    @Label("Reason")
    String reason;

    @Label("Instruction")
    int instruction;

    @Label("Aborted packets so far")
    long total;

    void aborted(String name, String why, int at, long count) {
        program = name;
        reason = why;
        instruction = at;
        total = count;
        commit();
    }
}
