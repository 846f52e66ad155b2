package io.vhost.control;

/** Steps that are all taken, whatever one of them throws. Thread: one. */
final class Ending {
    private Throwable failure;

    void step(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error thrown) {
            if (failure == null) {
                failure = thrown;
            } else if (!failure.equals(thrown)) {
                failure.addSuppressed(thrown);
            }
        }
    }

    /** Throws what the first step that failed has thrown, with what others have as suppressed. */
    void throwFailure() {
        switch (failure) {
            case null -> { }
            case RuntimeException exception -> throw exception;
            case Error error -> throw error;
            default -> throw new IllegalStateException(failure);
        }
    }
}
