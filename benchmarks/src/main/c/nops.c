// SPDX-License-Identifier: Apache-2.0
// NOPs through a ring of liburing, as many as fit into a turn: what dev.ublk4j.bench.nops.NopLoop does with ours.
// Reads "DEPTH MILLISECONDS" from each line of its input, and answers with NOPs a second.
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void round_of(struct io_uring *ring, unsigned depth)
{
	struct io_uring_cqe *cqe;
	unsigned head, seen = 0;

	for (unsigned i = 0; i < depth; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

		io_uring_prep_nop(sqe);
		sqe->user_data = i;
	}
	io_uring_submit_and_wait(ring, depth);
	io_uring_for_each_cqe(ring, head, cqe) {
		if (cqe->res != 0)
			exit(2);
		seen++;
	}
	io_uring_cq_advance(ring, seen);
	if (seen != depth)
		exit(3);
}

int main(void)
{
	struct io_uring ring;
	unsigned depth;
	long millis;

	if (io_uring_queue_init(128, &ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) < 0)
		return 1;
	while (scanf("%u %ld", &depth, &millis) == 2) {
		long begun = now(), end = begun + millis * 1000000, at = begun, done = 0;

		while (at < end) {
			for (int i = 0; i < 256; i++)
				round_of(&ring, depth);
			done += 256L * depth;
			at = now();
		}
		printf("%.0f\n", done * 1e9 / (at - begun));
		fflush(stdout);
	}
	return 0;
}
