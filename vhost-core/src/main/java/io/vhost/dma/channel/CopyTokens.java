package io.vhost.dma.channel;

/**
 * The copies of one channel that are under way, by token: whose each is, and what its owner calls it. Used
 * under the channel's lock.
 */
final class CopyTokens {
    private static final int IDLE = -1;

    private final int depth;
    // By token: whose copy it is or was, and what its owner calls it, or IDLE.
    private final CopyListener[] listener;
    private final int[] slot;
    // A ring of the tokens that are free. The one that has been free longest is used next, so that an engine
    // that completes a copy twice is caught long before the token means another copy.
    private final int[] freeTokens;
    private int nextFree;
    private int free;

    CopyTokens(int depth) {
        this.depth = depth;
        listener = new CopyListener[depth];
        slot = new int[depth];
        freeTokens = new int[depth];
        for (int i = 0; i < depth; i++) {
            freeTokens[i] = i;
            slot[i] = IDLE;
        }
        free = depth;
    }

    int depth() {
        return depth;
    }

    int free() {
        return free;
    }

    int underWay() {
        return depth - free;
    }

    /** The token of one more copy; there must be a free one. */
    @SuppressWarnings("ReferenceEquality") // Whether a store can be left out is a question of identity.
    int take(CopyListener owner, int ownerSlot) {
        int token = freeTokens[nextFree];
        nextFree = nextFree + 1 == depth ? 0 : nextFree + 1;
        free--;
        // A reference that is stored costs more than one that is compared, and it hardly ever changes.
        if (listener[token] != owner) {
            listener[token] = owner;
        }
        slot[token] = ownerSlot;
        return token;
    }

    /** Whose copy is under way by that token; null if none is. */
    CopyListener owner(int token) {
        return token >= 0 && token < depth && slot[token] != IDLE ? listener[token] : null;
    }

    /** The copy of a result is done: its token, or the complement of that if it failed. */
    void complete(int result) {
        boolean failed = result < 0;
        int token = failed ? ~result : result;
        if (token >= depth || slot[token] == IDLE) {
            throw new IllegalStateException("engine reported token " + token
                    + ", which is not under way: completed twice or never submitted");
        }
        release(token, failed);
    }

    /** The copy is done: tells its owner, and frees the token. */
    void release(int token, boolean failed) {
        int ownerSlot = slot[token];
        slot[token] = IDLE;
        int place = nextFree + free;
        freeTokens[place < depth ? place : place - depth] = token;
        free++;
        listener[token].copyDone(ownerSlot, failed);
    }

    void failAll() {
        for (int token = 0; token < depth; token++) {
            if (slot[token] != IDLE) {
                release(token, true);
            }
        }
    }

    /** Leaves all copies under way to an engine that is left. Their tokens are not free, and none's. */
    void leaveTo(LateEngine late) {
        for (int token = 0; token < depth; token++) {
            if (slot[token] != IDLE) {
                late.put(token, listener[token], slot[token]);
                slot[token] = IDLE;
            }
        }
    }

    /** The copy that was left is under way here again; false if there is no such. */
    boolean takeBack(int token, LateEngine late) {
        CopyListener owner = late.owner(token);
        if (owner == null) {
            return false;
        }
        listener[token] = owner;
        slot[token] = late.take(token);
        return true;
    }

    boolean holds(CopyListener owner) {
        for (int token = 0; token < depth; token++) {
            if (slot[token] != IDLE && listener[token].equals(owner)) {
                return true;
            }
        }
        return false;
    }
}
