# Makes the cell around itself, starts its database, says `ready PID`, and waits for the end of stdin.
#
#   holder FOLDER POSTGRESQL-PROGRAMS CLAW
set -eu
folder=$1 programs=$2 claw=$3

ip link set lo up
for address in fd66::1/128 fd66::2/128 fe80::1/64 fe80::2/64; do
	ip -6 address add "$address" dev lo nodad
done

mount --bind "$claw" "$folder/bin/claw"
mount --rbind "$folder" /mnt
for place in /tmp /var/tmp /dev/shm; do
	mount -t tmpfs -o mode=1777 cell "$place"
done
mkdir -p "$folder"
mount --move /mnt "$folder"
mount --bind "$folder/passwd" /etc/passwd

mkdir "$folder/pg" "$folder/pg/open" "$folder/pg/closed" "$folder/pg/server"
chown postgres: "$folder"/pg/*
cd /
as_postgres="setpriv --reuid=postgres --regid=postgres --clear-groups"
$as_postgres "$programs/initdb" --no-sync -A trust -U claw -E UTF8 --locale=C -D "$folder/pg/server/data" \
	>"$folder/pg/initdb.log"
echo "host all all all trust" >>"$folder/pg/server/data/pg_hba.conf"
$as_postgres "$programs/postgres" -D "$folder/pg/server/data" -k "$folder/pg/open,$folder/pg/closed" -p 5432 \
	-c listen_addresses=127.0.0.1,127.0.0.2,fd66::1,fd66::2 -c fsync=off -c full_page_writes=off \
	-c max_connections=100 -c log_statement=all >"$folder/pg/log" 2>&1 </dev/null &
server=$!
# Whatever ends the holder ends the server.
trap 'kill -INT "$server"; wait "$server" || true' EXIT
until "$programs/pg_isready" -q -h "$folder/pg/open"; do
	kill -0 "$server"
	sleep 0.05
done
echo "ready $$"

read -r _ || true
