-- CreateTable
CREATE TABLE "dead_messages" (
    "id" TEXT NOT NULL,
    "stream" TEXT NOT NULL,
    "stream_sequence" BIGINT NOT NULL,
    "subject" TEXT NOT NULL,
    "payload" TEXT NOT NULL,
    "error" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL,
    "stored_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "dead_messages_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "dead_messages_stream_stream_sequence_key" ON "dead_messages"("stream", "stream_sequence");
