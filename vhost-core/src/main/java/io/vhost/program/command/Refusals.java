package io.vhost.program.command;

import io.vhost.monitor.command.CommandException;
import io.vhost.program.ProgramRefusedException;
import java.io.IOException;

/** What a client asked for, and may be refused. */
final class Refusals {
    /** Something that may be refused for what it was given. */
    interface Work {
        /** Does it. */
        void run() throws IOException, ProgramRefusedException;
    }

    private Refusals() {}

    /** Does it, and tells the client why it cannot be done. */
    static Object refusing(Work work) throws CommandException {
        try {
            work.run();
            return null;
        } catch (IllegalArgumentException | IllegalStateException | ProgramRefusedException e) {
            throw new CommandException(e.getMessage());
        } catch (IOException e) {
            throw new CommandException("cannot read " + e.getMessage());
        }
    }
}
