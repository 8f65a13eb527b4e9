story: A payer's store is put back from a copy: a peer shows it what it forgot, and it goes into RESYNC
about: 4.9 restored from a backup
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

back up east
settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash east
wait 2s
restore east
restart east
expect east is resync
expect alarm resync_needed at east
settle s2 10.00 of li at care
expect s2 done
expect s2 explains unreachable
expect east holds 0.00
end without east
