package com.example

import dev.ublk4j.crash.CrashFailure
import dev.ublk4j.crash.CrashLab
import dev.ublk4j.crash.CrashOptions
import dev.ublk4j.crash.LabDisk
import dev.ublk4j.crash.junit.CrashTest
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.nio.ByteBuffer
import java.util.zip.CRC32C

/** A number on a raw disk, in two places by turns, so that one of them is whole after a power cut. */
class Counter(private val disk: LabDisk) {
    val value: Long
        get() = maxOf(read(0), read(1))

    fun set(value: Long) {
        write(value)
        disk.flush()
    }

    /** Forgets that a disk has a cache. */
    fun setWithoutFlush(value: Long) = write(value)

    private fun write(value: Long) {
        val block = ByteBuffer.allocate(BLOCK).putLong(value).putLong(sum(value))
        disk.write((value % 2) * BLOCK, block.array())
    }

    private fun read(place: Long): Long {
        val block = ByteBuffer.wrap(disk.read(place * BLOCK, BLOCK))
        val value = block.long
        return if (block.long == sum(value)) value else 0
    }

    private fun sum(value: Long): Long {
        val sum = CRC32C()
        sum.update(ByteBuffer.allocate(Long.SIZE_BYTES).putLong(0, value))
        return sum.value
    }

    private companion object {
        const val BLOCK = 4096
    }
}

class CounterCrashTest {
    @CrashTest(size = 8192)
    fun `a number that was set survives`(lab: CrashLab) {
        lab.record { disk ->
            val counter = Counter(disk)
            for (i in 1L..8) {
                counter.set(i)
                lab.mark(i)
            }
        }
        lab.eachCrash { disk ->
            val promised = disk.lastMark().orElse(0L) as Long
            val found = Counter(disk).value
            assertTrue(found >= promised) { "$promised was set, and $found is there" }
        }
    }

    @Test
    fun `a missing flush is found`() {
        CrashLab.create(CrashOptions.defaults().withSize(8192)).use { lab ->
            lab.record { disk ->
                Counter(disk).setWithoutFlush(1)
                lab.mark("1 is set")
            }
            val failure = assertThrows<CrashFailure> {
                lab.eachCrash { disk -> check(disk.marks().isEmpty() || Counter(disk).value == 1L) }
            }
            assertTrue("write, 4096 bytes at 4096: LOST" in failure.message!!) { failure.message }
        }
    }
}
