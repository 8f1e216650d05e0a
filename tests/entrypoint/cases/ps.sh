# What `ps` says: what is deployed and by which revision, images by their names, the code of a crash, and where the product is reached.

test_ps_says_first_what_is_deployed() {
    bootstrap ps production
    expect_equal 'nothing of shop-production is deployed; this image is 1.4.2' "$(sed -n 1p "$box/out")"
    product_is_up
    bootstrap ps production
    expect_equal 'shop-production runs 1.4.2 (revision 1)' "$(sed -n 1p "$box/out")"
    expect_empty "$box/err"
    sed -i "s/^version=.*/version='1.5.0'/" "$box/root/release"
    bootstrap ps production
    expect_equal 'shop-production runs 1.4.2 (revision 1); this image is 1.5.0' "$(sed -n 1p "$box/out")"
    bootstrap ps production --output json
    expect_output '"version": "1.5.0", "environment": "production", "target": "shop-production", "deployed": {"version": "1.4.2", "revision": 1, "outcome": "ok"}'
    sed -i 's/|running|/|exited|/' "$box/docker/containers"
    bootstrap ps production
    expect_equal 'shop-production is stopped at 1.4.2 (revision 1); this image is 1.5.0' "$(sed -n 1p "$box/out")"
}

test_ps_does_not_call_deployed_what_failed() {
    product_is_up
    sed -i "s/^version=.*/version='1.5.0'/; s/^service 'web'/service 'web'/" "$box/root/release"
    sed -i "s/definition='d2'/definition='d3'/" "$box/root/environments/production/release"
    sed -i 's/^\(c[34]|.*\)|running|0|0|/\1|restarting|9|3|/' "$box/docker/after"
    DB_PASSWORD=pw PORT=82 bootstrap up production --timeout 20
    expect_code 5
    bootstrap ps production
    expect_equal 'shop-production: revision 2 (1.5.0) failed, the last good one is 1.4.2 (revision 1); this image is 1.5.0' "$(sed -n 1p "$box/out")"
}

# What was restored runs by the id of its image.
test_ps_calls_images_by_the_names_of_the_record() {
    product_is_up
    sed -i "s/^version=.*/version='1.5.0'/" "$box/root/release"
    sed -i "s#shop/web:1.4.2#shop/web:1.5.0#" "$box/root/environments/production/release"
    sed -i '/|web|/s#registry.example.com/shop/web:1.4.2#sha256:1234#' "$box/docker/containers"
    echo sha256:5678 | answer 'image inspect*web:1.5.0' 0
    bootstrap ps production
    expect_output 'registry.example.com/shop/web:1.4.2'
    expect_output 'this release has registry.example.com/shop/web:1.5.0'
    expect_no_output 'sha256:'
    bootstrap ps production --output json
    expect_output '"image": "sha256:1234", "image_name": "registry.example.com/shop/web:1.4.2"'
}

# A tag that means another image by now.
test_ps_shows_a_digest_where_the_name_says_too_little() {
    product_is_up
    sed -i '/|web|/{s#registry.example.com/shop/web:1.4.2#sha256:1234#;}' "$box/docker/containers"
    echo sha256:5678 | answer 'image inspect*web:1.4.2' 0
    bootstrap ps production
    expect_output 'registry.example.com/shop/web:1.4.2 (sha256:1234)'
    sed -i '/|web|/s#sha256:1234|sha256:1234#sha256:0123456789abcdef0123|sha256:0123456789abcdef0123#' "$box/docker/containers"
    bootstrap ps production
    expect_output 'sha256:0123456789ab  '
}

test_ps_and_up_say_where_the_product_is() {
    product_after
    printf '%s\n' 'web|0.0.0.0|8080|80/tcp' 'web|::|8080|80/tcp' 'web|0.0.0.0|8081|80/tcp' 'database|127.0.0.1|5432|5432/tcp' 'database|::1|5432|5432/tcp' '' |
        answer 'inspect --type container *' 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_error 'reachable: database at 127.0.0.1:5432->5432/tcp, [::1]:5432->5432/tcp; web at 0.0.0.0:8080->80/tcp, 0.0.0.0:8081->80/tcp'
    bootstrap ps production
    expect_output ADDRESS
    expect_output '0.0.0.0:8080->80/tcp, 0.0.0.0:8081->80/tcp'
    expect_no_output '::]:8080'
    bootstrap ps production --output json
    expect_output '"addresses": [{"address": "0.0.0.0:8080", "target": "80/tcp"}, {"address": "0.0.0.0:8081", "target": "80/tcp"}]'
}

test_ps_without_addresses_has_no_column_for_them() {
    product_is_up
    bootstrap ps production
    expect_equal 'SERVICE   STATE    READY  IMAGE                                NOTE' "$(sed -n 2p "$box/out")"
}

# A container that runs again has ended with 0, as the engine tells it.
test_the_code_of_a_crash_is_its_own() {
    product_after
    sed -i '3s/|running|0|0|/|running|0|3|/; 3s/2024-01-01T00:00:00Z/2999-01-01T00:00:00Z/' "$box/docker/after"
    printf '7\n3\n' | answer 'events *' 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 5
    expect_error 'crash loop (3 restarts, last exit code 3)'
    expect_call '^\[events\].*\[container=c3\]'
    bootstrap history production
    expect_output 'crash loop (3 restarts, last exit code 3)'
}

test_a_code_that_nobody_knows_is_not_made_up() {
    product_after
    sed -i '3s/|running|0|0|/|running|0|3|/; 3s/2024-01-01T00:00:00Z/2999-01-01T00:00:00Z/' "$box/docker/after"
    DB_PASSWORD=pw bootstrap up production
    expect_code 5
    expect_error 'crash loop (3 restarts)'
    expect_no_error 'exit code 0'
}

test_headers_go_where_the_table_goes() {
    product_is_up
    DB_PASSWORD=pw bootstrap plan production
    expect_equal 'shop 1.4.2 on shop-production, now 1.4.2 (revision 1)' "$(sed -n 1p "$box/out")"
    expect_empty "$box/err"
    for command in ps history images; do
        bootstrap "$command" production
        expect_empty "$box/err"
    done
}

test_kubernetes_ps_says_where_the_product_is() {
    cluster_is_up
    printf 'web|https://shop.example.com/|\nweb|*:30080|80/TCP\n|stray|\n' | answer 'get services,ingresses.networking.k8s.io *' 0
    bootstrap ps production
    expect_output '*:30080->80/tcp, https://shop.example.com/'
    echo 'Error from server (Forbidden): services is forbidden' | answer 'get services,ingresses.networking.k8s.io *' fail1
    rm "$box/docker/answers/1.pattern"
    mv "$box/docker/answers/2.pattern" "$box/docker/answers/1.pattern"
    mv "$box/docker/answers/2.code" "$box/docker/answers/1.code"
    bootstrap ps production
    expect_code 0
    expect_no_output ADDRESS
}
