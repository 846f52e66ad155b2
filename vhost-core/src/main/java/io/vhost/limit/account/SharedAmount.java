package io.vhost.limit.account;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * An amount of something that the process has, and that its servers share. Half of it is there for whoever
 * comes first. The other half is kept in equal parts for the servers that are open, and for one still to come
 * where there are two or more: what a server has not taken of its part yet, no other gets.
 *
 * <p>Thread: any. One lock, under which nothing else is called but what measures a part.
 */
final class SharedAmount {
    /** Why something is not taken: the server would have too much, or the process. */
    enum Excess { OF_SERVER, OF_PROCESS }

    private final List<Part> open = new ArrayList<>();
    private long total;

    /** A part of a server that takes and gives back. */
    Part part() {
        return new Part(() -> 0);
    }

    /** A part whose amount is not taken here, but can be asked for. */
    Part measured(LongSupplier amount) {
        return new Part(amount);
    }

    /** What all parts have taken. */
    long total() {
        synchronized (this) {
            return total;
        }
    }

    /** What one server has. */
    final class Part {
        private final LongSupplier measured;
        private long taken;

        private Part(LongSupplier measured) {
            this.measured = measured;
        }

        /** From now on others leave this part what is its. */
        void open() {
            synchronized (SharedAmount.this) {
                open.add(this);
            }
        }

        void close() {
            synchronized (SharedAmount.this) {
                open.remove(this);
            }
        }

        /** {@return null if it is taken, else why not} */
        Excess take(long amount, long ofServer, long ofProcess) {
            return take(amount, ofServer, ofProcess, true);
        }

        /** The same for what is in nobody's way up to {@code ofProcess}, so that nothing is kept from it. */
        Excess takeUnkept(long amount, long ofServer, long ofProcess) {
            return take(amount, ofServer, ofProcess, false);
        }

        private Excess take(long amount, long ofServer, long ofProcess, boolean keeps) {
            synchronized (SharedAmount.this) {
                // Differences: a sum of what a front-end says could overflow.
                if (amount > ofServer - taken) {
                    return Excess.OF_SERVER;
                }
                long kept = keeps ? keptForOthers(amount, ofProcess) : 0;
                if (amount > ofProcess - total - kept) {
                    return Excess.OF_PROCESS;
                }
                takeAnyway(amount);
                return null;
            }
        }

        /** Takes it whatever the limits. */
        void takeAnyway(long amount) {
            synchronized (SharedAmount.this) {
                taken += amount;
                total += amount;
            }
        }

        void give(long amount) {
            synchronized (SharedAmount.this) {
                if (amount > taken) {
                    throw new IllegalStateException("gives back " + amount + " of " + taken);
                }
                taken -= amount;
                total -= amount;
            }
        }

        /** {@return whether others have what is theirs beside {@code all}, of which this part is one} */
        boolean leavesOthers(long all, long ofProcess) {
            synchronized (SharedAmount.this) {
                return all <= ofProcess - keptForOthers(0, ofProcess);
            }
        }

        long amount() {
            synchronized (SharedAmount.this) {
                return taken + measured.getAsLong();
            }
        }

        /** Nothing, as long as this one stays within what is kept for it. */
        private long keptForOthers(long more, long ofProcess) {
            int shares = open.size() < 2 ? open.size() : open.size() + 1;
            if (shares == 0) {
                return 0;
            }
            long each = ofProcess / 2 / shares;
            if (open.contains(this) && more <= each - amount()) {
                return 0;
            }
            long kept = open.size() < 2 ? 0 : each;
            for (Part other : open) {
                kept += other.equals(this) ? 0 : Math.max(0, each - other.amount());
            }
            return kept;
        }
    }
}
