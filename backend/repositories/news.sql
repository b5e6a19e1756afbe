-- tell_news --
-- The next sync of every instance of this agent looks again. Index: instances_pk.
UPDATE instances
SET news_count = news_count + 1
WHERE agent_id = %(agent_id)s
