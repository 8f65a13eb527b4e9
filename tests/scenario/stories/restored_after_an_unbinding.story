story: A payer's store is put back to before he revoked: the other home knows, and nobody pays any more
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

back up east
unbind u1 of wang_li by the payer
expect u1 done
expect binding wang_li ended at home
expect everything decided
crash east
wait 2s
restore east
restart east
expect alarm resync_needed at east
expect east is open
expect binding wang_li ended at east
settle s1 100.00 of li at care
expect s1 says psn_cash_pay 70.00
expect wang has 500.00
