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
        if (!isVerifiable(arguments, returns)) {
            throw new IllegalArgumentException("helper " + name + " takes " + arguments + " and returns "
                    + returns + ": put each size behind its memory, and a map before its keys and values");
        }
    }

    // Memory without a size could not be checked, nor keys without a map.
    private static boolean isVerifiable(List<Argument> arguments, Returns returns) {
        boolean map = false;
        boolean memory = false;
        for (Argument argument : arguments) {
            boolean size = argument == Argument.SIZE || argument == Argument.SIZE_OR_ZERO;
            boolean ofMap = argument == Argument.MAP_KEY || argument == Argument.MAP_VALUE
                    || argument == Argument.MAP_VALUE_OUT;
            if (size != memory || (ofMap && !map)) {
                return false;
            }
            map |= argument == Argument.MAP;
            memory = argument == Argument.MEMORY || argument == Argument.MEMORY_OR_NULL
                    || argument == Argument.MEMORY_OUT;
        }
        return !memory && (map || returns != Returns.MAP_VALUE_OR_NULL)
                && (returns != Returns.RECORD_OR_NULL || arguments.contains(Argument.CONSTANT_SIZE));
    }
}
