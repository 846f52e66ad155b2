package io.vhost.os;

/**
 * A peer sent more file descriptors with one message than we take, or than this process may still open.
 *
 * <p>Which ones are missing is unknown, so those that did arrive are closed already, and the message that
 * carried them is of no use: close the connection. Checked, because a peer can cause it at will.
 */
public final class LostDescriptorsException extends Exception {
    private static final long serialVersionUID = 1L;

    /**
     * @param arrived how many arrived and were closed
     * @param limit how many fit
     */
    LostDescriptorsException(int arrived, int limit) {
        super("recvmsg: file descriptors were lost: " + arrived + " arrived and were closed; at most " + limit
                + " are taken" + (arrived < limit ? ", so this process is at its limit (ulimit -n)" : ""));
    }
}
