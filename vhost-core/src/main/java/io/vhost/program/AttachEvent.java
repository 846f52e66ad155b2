package io.vhost.program;

import io.vhost.device.ProgramPlace;
import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** A program is given a place, also that of another one. */
@Name("io.vhost.ProgramAttach")
@Label("Program attach")
@Category({"vhost", "Program"})
final class AttachEvent extends Event {
    @Label("Program")
    String program;

    @Label("Port")
    String port;

    @Label("To the guest")
    boolean toGuest;

    void attached(String what, ProgramPlace where) {
        program = what;
        port = where.name();
        toGuest = where.isToGuest();
        commit();
    }
}
