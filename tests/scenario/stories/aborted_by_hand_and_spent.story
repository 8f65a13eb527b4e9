story: Two people abort by hand, the payer spends the money, and the truth is COMMITTED: what is missing is the region's difference
about: by hand: two people
given provinces care, home, east
given li of home with 30.00
given chen of home with 0.00
given wang of east with 500.00
given wang pays for li
given wang pays for chen

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
wait 200ms
cut care from east
thaw home
expect s1 done

cut home from east
zhao proposes abort of s1 at east as d1
expect d1 done
qian confirms abort of s1 at east as d2
expect d2 done
expect wang can spend 500.00
settle s2 480.00 of chen at east
expect s2 refused HOME_UNREACHABLE
heal home and east
settle s3 480.00 of chen at east
expect s3 paid by wang 480.00
expect wang has 20.00
heal care and east
expect alarm case_opened at east
expect s1 ENDED at care
expect wang has 0.00
