package io.vhost.monitor.qmp;

import io.vhost.monitor.command.CommandException;
import java.util.Map;

/**
 * A message that has the form of a command.
 *
 * @param command its name
 * @param outOfBand whether it may overtake others
 * @param arguments as they came
 */
record QmpRequest(String command, boolean outOfBand, Map<?, ?> arguments) {
    private static final String IN_BAND = "execute";
    private static final String OUT_OF_BAND = "exec-oob";

    /** Whether this is meant to overtake others. */
    static boolean isOutOfBand(Object message) {
        return message instanceof Map<?, ?> members
                && members.containsKey(OUT_OF_BAND) && !members.containsKey(IN_BAND);
    }

    /**
     * The command that a message is.
     *
     * @param message a value
     * @param allowOutOfBand whether the client has asked for that
     */
    static QmpRequest of(Object message, boolean allowOutOfBand) throws CommandException {
        if (!(message instanceof Map<?, ?> members)) {
            throw new CommandException("QMP input must be a JSON object");
        }
        String key = null;
        Map<?, ?> arguments = Map.of();
        for (Map.Entry<?, ?> member : members.entrySet()) {
            String name = (String) member.getKey();
            if (name.equals(IN_BAND) || (allowOutOfBand && name.equals(OUT_OF_BAND))) {
                if (!(member.getValue() instanceof String)) {
                    throw new CommandException("QMP input member '" + name + "' must be a string");
                }
                if (key != null) {
                    throw new CommandException("QMP input member '" + name + "' clashes with '" + key + "'");
                }
                key = name;
            } else if (name.equals("arguments")) {
                if (!(member.getValue() instanceof Map<?, ?> given)) {
                    throw new CommandException("QMP input member 'arguments' must be an object");
                }
                arguments = given;
            } else if (!name.equals("id")) {
                throw new CommandException("QMP input member '" + name + "' is unexpected");
            }
        }
        if (key == null) {
            throw new CommandException("QMP input lacks member 'execute'");
        }
        return new QmpRequest((String) members.get(key), key.equals(OUT_OF_BAND), arguments);
    }
}
