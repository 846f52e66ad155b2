package io.vhost.monitor.command;

/** What kind of error a command ended with; clients may decide by it, and not by the text. */
public enum ErrorClass {
    /** Everything that has no class of its own. */
    GENERIC_ERROR("GenericError"),
    /** There is no such command, or not now. */
    COMMAND_NOT_FOUND("CommandNotFound"),
    /** A device is not in the state that the command needs. */
    DEVICE_NOT_ACTIVE("DeviceNotActive"),
    /** There is no such device. */
    DEVICE_NOT_FOUND("DeviceNotFound"),
    /** KVM lacks something; of no use here, but a part of the protocol. */
    KVM_MISSING_CAP("KVMMissingCap");

    private final String wireName;

    ErrorClass(String wireName) {
        this.wireName = wireName;
    }

    /**
     * The class with a name that clients see.
     *
     * @param wireName as {@code CommandNotFound}
     * @return the class; {@link #GENERIC_ERROR} if the name is not known
     */
    public static ErrorClass named(String wireName) {
        for (ErrorClass known : values()) {
            if (known.wireName.equals(wireName)) {
                return known;
            }
        }
        return GENERIC_ERROR;
    }

    /** The name that clients see. */
    public String wireName() {
        return wireName;
    }
}
