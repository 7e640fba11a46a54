/**
 * A page cache in the manner of a database's buffer pool, whose frames are shared with the block
 * device: the example of what {@link dev.ublk4j.client} is for.
 *
 * <p>{@link dev.ublk4j.cli.demo.pagecache.PageCache} is the example; it needs nothing but the
 * client. {@link dev.ublk4j.cli.demo.pagecache.Transactions} reads and changes random pages through
 * it and knows what each of them has to say; {@link dev.ublk4j.cli.demo.pagecache.PageCacheDemo}
 * does that copied and shared, and compares.
 */
@NullMarked
package dev.ublk4j.cli.demo.pagecache;

import org.jspecify.annotations.NullMarked;
