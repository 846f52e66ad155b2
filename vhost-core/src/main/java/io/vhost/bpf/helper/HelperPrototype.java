package io.vhost.bpf.helper;

import io.vhost.bpf.run.Helper;
import java.util.List;

/**
 * A helper with what it takes and returns.
 *
 * @param id            its number in calls, above 0
 * @param name          as C programs have it, for messages
 * @param movesPacket   whether addresses in the packet mean nothing any more behind the call
 * @param returns       what is in register 0 afterwards
 * @param arguments     at most five
 * @param helper        what runs
 */
public record HelperPrototype(int id, String name, boolean movesPacket, Returns returns,
                              List<Argument> arguments, Helper helper) {
    /** Checks the number of arguments. */
    public HelperPrototype {
        if (arguments.size() > 5 || id <= 0) {
            throw new IllegalArgumentException("helper " + name + " with number " + id + " and "
                    + arguments.size() + " arguments: use a number above 0 and at most 5 arguments");
        }
        arguments = List.copyOf(arguments);
    }
}
