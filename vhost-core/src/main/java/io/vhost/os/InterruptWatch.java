package io.vhost.os;

import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.spi.AbstractSelectableChannel;
import java.nio.channels.spi.AbstractSelector;
import java.nio.channels.spi.SelectorProvider;
import java.util.Set;

/**
 * Lets {@link Thread#interrupt} end a wait in the kernel, as it ends that of a {@link Selector}: the thread's
 * interrupt runs an action, which has to make the wait return. This is the way that {@link AbstractSelector}
 * has for selectors of one's own.
 *
 * <p>Thread: the one that waits. The action runs on the interrupting thread, or at once on the waiting one if
 * that was interrupted before; it must not block. The interrupt stays set.
 */
public final class InterruptWatch {
    private final Watch watch;

    /**
     * A watch over no thread yet.
     *
     * @param onInterrupt makes the wait return
     */
    public InterruptWatch(Runnable onInterrupt) {
        watch = new Watch(onInterrupt);
    }

    /** The calling thread is about to wait; {@link #end} has to follow, whatever happens. */
    public void begin() {
        watch.beginWait();
    }

    /** The calling thread has waited: no interrupt of it runs the action any more. */
    public void end() {
        watch.endWait();
    }

    /** Has nothing to select, and is never closed: it holds nothing. */
    private static final class Watch extends AbstractSelector {
        private final Runnable onInterrupt;

        private Watch(Runnable onInterrupt) {
            super(SelectorProvider.provider());
            this.onInterrupt = onInterrupt;
        }

        private void beginWait() {
            begin();
        }

        private void endWait() {
            end();
        }

        @Override
        public Selector wakeup() {
            onInterrupt.run();
            return this;
        }

        @Override
        protected void implCloseSelector() {}

        @Override
        protected SelectionKey register(AbstractSelectableChannel channel, int ops, Object attachment) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Set<SelectionKey> keys() {
            return Set.of();
        }

        @Override
        public Set<SelectionKey> selectedKeys() {
            return Set.of();
        }

        @Override
        public int selectNow() {
            throw new UnsupportedOperationException();
        }

        @Override
        public int select(long timeout) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int select() {
            throw new UnsupportedOperationException();
        }
    }
}
