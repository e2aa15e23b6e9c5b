"""Results: vector maps decoded to classified, scored instances; their files, scores and limits."""
