package io.vhost.program;

import java.nio.file.Path;
import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** An object was loaded; the duration is that of reading, verifying and compiling. */
@Name("io.vhost.ProgramLoad")
@Label("Program load")
@Category({"vhost", "Program"})
final class LoadEvent extends Event {
    @Label("Object")
    String object;

    @Label("Programs")
    int programs;

    void loaded(Path file, int count) {
        object = file.toString();
        programs = count;
        commit();
    }
}
