package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Outcome;

/** What a {@link LockContest} may end with: the owner's call, the stranger's, and what they left behind. */
@Outcome(id = "1, -1, 1", expect = ACCEPTABLE,
        desc = "The owner was served, the stranger refused and counted.")
@Outcome(expect = FORBIDDEN,
        desc = "The stranger was served, or changed something, or the owner was refused.")
interface OwnLockAlone {}
