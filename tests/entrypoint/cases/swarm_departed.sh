# Replicas on nodes of a swarm that went: drained, down, removed, or with other labels.

# A service on every node: its replica on n1 runs, the one on n2 ended. The second node, ID STATE|AVAILABILITY; the task, STATE COMPLAINT; how many
# replicas `ps` lists.
expect_replicas_of_agent() {
    cp "$box/docker/tasks" "$box/docker/tasks.before"
    swarm_task t8 agent 0 running running 0 '' d >>"$box/docker/tasks"
    swarm_task t9 agent 0 "$3" shutdown 1 '' d "$4" | sed 's/|n1|/|n2|/' >>"$box/docker/tasks"
    printf 'n1\n%s\n' "$1" | answer 'node ls --quiet' once
    printf '%s\n' 'n1|alpha|manager|ready|active' "$1|beta|worker|$2" | answer 'node inspect --format {{.ID}}*' once
    bootstrap ps production --output json
    expect_equal "$5" "$(grep -o '"name": "agent\.[a-z0-9]*"' "$box/out" | wc -l | tr -d ' ')"
    mv "$box/docker/tasks.before" "$box/docker/tasks"
}

test_swarm_a_replica_on_a_node_that_its_service_left_counts_no_more() {
    swarm_is_up
    swarm_service agent agent d global "" >>"$box/docker/services"
    expect_replicas_of_agent n2 'ready|drain' shutdown '' 1
    # An engine that was slow to stop it.
    expect_replicas_of_agent n2 'ready|drain' failed 'context deadline exceeded' 1
    expect_replicas_of_agent n2 'ready|drain' running '' 2
    expect_replicas_of_agent n2 'down|active' running '' 1
    expect_replicas_of_agent n3 'ready|active' failed 'the node n2 was removed' 1
    # Its labels are others.
    expect_replicas_of_agent n2 'ready|active' rejected 'assigned node no longer meets constraints' 1
    # It failed, and is not to run again.
    expect_replicas_of_agent n2 'ready|active' failed 'task: non-zero exit (1)' 2
    expect_replicas_of_agent n2 'ready|pause' failed 'task: non-zero exit (1)' 2
}

# The replica of a service was ended on the second node, ID STATE|AVAILABILITY, as STATE COMPLAINT; the next one waits for a node. What `ps` calls it.
expect_state_of_the_next() {
    cp "$box/docker/tasks" "$box/docker/tasks.before"
    sed 's/^t4|/t8|/; /^t8|/{ s/|n1|/|n2|/; s/|running|running|/|'"$3"'|shutdown|/; s/|""$/|"'"$4"'"|/ }' "$box/docker/tasks.before" >"$box/docker/tasks"
    sed -n '/^t4|/{ s/^t4/t9/; s/|n1|/||/; s/2024-01-01/2024-01-02/; s/|running|running|/|pending|running|/; p; }' "$box/docker/tasks.before" >>"$box/docker/tasks"
    printf 'n1\n%s\n' "$1" | answer 'node ls --quiet' once
    printf '%s\n' 'n1|alpha|manager|ready|active' "$1|beta|worker|$2" | answer 'node inspect --format {{.ID}}*' once
    bootstrap ps production
    expect_output "web       $5 "
    mv "$box/docker/tasks.before" "$box/docker/tasks"
}

test_swarm_a_replica_that_was_ended_with_its_node_did_not_fail() {
    swarm_is_up
    # An engine that was slow to stop it.
    expect_state_of_the_next n2 'ready|drain' failed 'task: non-zero exit (137)' starting
    expect_state_of_the_next n2 'down|active' orphaned '' starting
    expect_state_of_the_next n3 'ready|active' failed 'the node n2 was removed' starting
    # By itself.
    expect_state_of_the_next n2 'ready|active' failed 'task: non-zero exit (1)' failed
}
